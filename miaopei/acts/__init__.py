"""What members may do: one file an act, applied by the same pure code on every member."""
