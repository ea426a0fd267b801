package redisqueue

import (
	_ "embed"

	"github.com/urbanhub/crmsync/internal/redisdb"
)

var (
	//go:embed lua/append.lua
	appendSource string
	//go:embed lua/bury.lua
	burySource string
	//go:embed lua/delete.lua
	deleteSource string
	//go:embed lua/discard.lua
	discardSource string
	//go:embed lua/hold.lua
	holdSource string
	//go:embed lua/join.lua
	joinSource string
	//go:embed lua/finish.lua
	finishSource string
	//go:embed lua/lease.lua
	leaseSource string
	//go:embed lua/release.lua
	releaseSource string
	//go:embed lua/read.lua
	readSource string
	//go:embed lua/replay.lua
	replaySource string
	//go:embed lua/scan.lua
	scanSource string
)

var (
	appendScript  = redisdb.NewScript(appendSource)
	buryScript    = redisdb.NewScript(finishSource + burySource)
	deleteScript  = redisdb.NewScript(finishSource + deleteSource)
	discardScript = redisdb.NewScript(discardSource)
	holdScript    = redisdb.NewScript(holdSource)
	joinScript    = redisdb.NewScript(joinSource)
	leaseScript   = redisdb.NewScript(leaseSource)
	releaseScript = redisdb.NewScript(releaseSource)
	readScript    = redisdb.NewScript(readSource)
	replayScript  = redisdb.NewScript(replaySource)
	scanScript    = redisdb.NewScript(scanSource)
)
