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

func TestMain(m *testing.M) {
	flag.Parse()
	// The outages wait more than they work, so all of them last together.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(redistest.Main(pgtest.Main(m)))
}
