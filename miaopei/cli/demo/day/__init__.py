"""A day in a made-up Yuyao: one description of it, played on one member or on several."""
