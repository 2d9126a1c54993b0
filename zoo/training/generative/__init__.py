"""What training a GAN or a diffusion model adds: their views and losses."""
