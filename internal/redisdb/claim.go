package redisdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/sync"
)

// Claim stores under a key how data are laid out, or fails when it is there
// and says something else.
func Claim(ctx context.Context, client redis.UniversalClient, key, layout string) error {
	stored, err := client.Get(ctx, key).Result()
	if errors.Is(err, redis.Nil) { // only then: a server at its maxmemory refuses the attempt
		if err := client.SetNX(ctx, key, layout, 0).Err(); err != nil {
			return err
		}
		stored, err = client.Get(ctx, key).Result()
	}
	if err != nil {
		return err
	}
	if stored != layout {
		return &sync.Error{Op: "redis: layout", Action: sync.Fatal, Rule: "redis.layout",
			Hint: "use the options it was made with, another prefix, or the version of the library that wrote it",
			Err:  fmt.Errorf("the data are stored as %q, and this is for %q", stored, layout)}
	}
	return nil
}
