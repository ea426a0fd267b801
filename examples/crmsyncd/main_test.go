package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/internal/redistest"
)

func TestMain(m *testing.M) {
	// A pool of go-redis that could not dial tries once a second, and only then sees that it was closed.
	redial := goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial")
	goleak.VerifyTestMain(pgtest.Main(redistest.Main(m)), redial)
}
