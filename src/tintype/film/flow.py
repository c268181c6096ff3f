"""Where the things of one frame are in the next: optical flow between small frames."""
