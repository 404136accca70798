// The mesh API.
