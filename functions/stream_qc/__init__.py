"""The Stream QC engine: checks a byte stream against rules and returns flags and reports. It does not use AWS."""
