package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/internal/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Main(redistest.Main(m))) }
