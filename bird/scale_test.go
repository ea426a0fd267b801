//go:build !race

package bird_test

// workspaceSize is how many contacts the large workspace has.
const workspaceSize = 100_000
