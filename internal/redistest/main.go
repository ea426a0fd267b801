package redistest

import "fmt"

// Main wraps the M of a package whose tests need a server, so that plain
// `go test ./...` shows that they did not run:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(redistest.Main(m)) }
//
// Of a package that passes, go test prints one line and no output. All that
// the package itself can add to that line is "[no tests to run]".
func Main(m interface{ Run() int }) Runner { return Runner{m} }

// A Runner runs the tests of a package.
type Runner struct{ m interface{ Run() int } }

// Run runs the tests and returns the exit status.
func (r Runner) Run() int {
	status := r.m.Run()
	if n := skipped.Load(); status == 0 && n > 0 {
		fmt.Printf("redistest: %d tests skipped: set %s or run make test\ntesting: warning: no tests to run\n", n, Variable)
	}
	return status
}
