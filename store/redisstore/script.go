package redisstore

import (
	_ "embed"

	"github.com/urbanhub/crmsync/internal/redisdb"
)

var (
	//go:embed lua/entries.lua
	entriesSource string
	//go:embed lua/append.lua
	appendSource string
	//go:embed lua/commit.lua
	commitSource string
	//go:embed lua/cursor.lua
	cursorSource string
	//go:embed lua/flow.lua
	flowSource string
	//go:embed lua/link.lua
	linkSource string
	//go:embed lua/permits.lua
	permitsSource string
)

var (
	appendScript  = redisdb.NewScript(entriesSource + appendSource)
	commitScript  = redisdb.NewScript(entriesSource + commitSource)
	cursorScript  = redisdb.NewScript(cursorSource)
	flowScript    = redisdb.NewScript(flowSource)
	linkScript    = redisdb.NewScript(linkSource)
	permitsScript = redisdb.NewScript(permitsSource)
)
