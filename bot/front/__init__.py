"""Front ends: one a platform."""
