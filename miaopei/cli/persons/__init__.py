"""`miaopei person`: what this member knows of persons, who may use it, and how it goes away."""
