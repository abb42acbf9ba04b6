"""`miaopei policy`: offers, applications, policies and their changes, keyed at the counter."""
