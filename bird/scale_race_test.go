//go:build race

package bird_test

// workspaceSize is smaller where the race detector makes all a tenfold slower.
const workspaceSize = 20_000
