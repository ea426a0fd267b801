//go:build unix

package failover

import (
	"flag"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/internal/redistest"
)

var outage = flag.Duration("outage", 8*time.Second, "how long each outage lasts")

func TestMain(m *testing.M) { goleak.VerifyTestMain(redistest.Main(pgtest.Main(m))) }
