"""The page at `/`: what each model takes and gives, and a form to try it. It asks no server but this one."""
