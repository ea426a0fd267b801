package redistest

import (
	"context"
	"fmt"
	"net"
	"strings"
	stdsync "sync"

	"github.com/redis/go-redis/v9"
)

// Slots is a hook that notes which slots of a cluster scripts touch.
type Slots struct {
	mu    stdsync.Mutex
	seen  map[int]bool
	mixed []string
}

// Seen returns how many slots were touched, and the keys of calls that touched
// more than one at once.
func (s *Slots) Seen() (slots int, mixed []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen), s.mixed
}

// DialHook implements [redis.Hook].
func (s *Slots) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook implements [redis.Hook].
func (s *Slots) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		s.note(cmd)
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook implements [redis.Hook].
func (s *Slots) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			s.note(cmd)
		}
		return next(ctx, cmds)
	}
}

func (s *Slots) note(cmd redis.Cmder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := keysOf(cmd)
	for i, key := range keys {
		if s.seen == nil {
			s.seen = map[int]bool{}
		}
		s.seen[SlotOf(key)] = true
		if SlotOf(key) != SlotOf(keys[0]) {
			s.mixed = append(s.mixed, fmt.Sprintf("%s: %s and %s", cmd.Name(), keys[0], keys[i]))
		}
	}
}

// keysOf returns the keys of a command that has several.
func keysOf(cmd redis.Cmder) []string {
	args := make([]string, len(cmd.Args()))
	for i, a := range cmd.Args() {
		args[i] = fmt.Sprint(a)
	}
	switch cmd.Name() {
	case "eval", "evalsha":
		var n int
		_, _ = fmt.Sscan(args[2], &n)
		return args[3 : 3+n]
	case "xread":
		for i, a := range args {
			if a == "streams" {
				return args[i+1 : i+1+(len(args)-i-1)/2]
			}
		}
	}
	return nil
}

// SlotOf returns the slot of a key in a cluster: CRC-16 (XMODEM) of what is
// between the first braces, or of the whole key
// (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/).
func SlotOf(key string) int {
	if _, rest, ok := strings.Cut(key, "{"); ok {
		if tag, _, ok := strings.Cut(rest, "}"); ok && tag != "" {
			key = tag
		}
	}
	crc := uint16(0)
	for i := range len(key) {
		crc ^= uint16(key[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc % 16384)
}
