"""Plans of cuDNN: made, chosen, kept on disk."""
