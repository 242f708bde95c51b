"""The Stream QC engine: a byte stream and rules go in, flags and findings come out. It knows nothing of AWS."""
