"""What every room needs: errors, files, progress, signals."""
