package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
)

// connections is the size of every pool, ours and the peers'.
const connections = 32

// A machine is where the engines run: the two servers and a folder.
type machine struct {
	dsn   string // of PostgreSQL
	admin *pgxpool.Pool
	redis *redis.Client
	dir   string
}

// openMachine connects to the servers that the variables name.
func openMachine(ctx context.Context) (*machine, error) {
	m := &machine{dsn: os.Getenv("CRMSYNC_TEST_POSTGRES")}
	addr := os.Getenv("CRMSYNC_TEST_REDIS")
	if m.dsn == "" || addr == "" {
		return nil, errors.New("CRMSYNC_TEST_POSTGRES and CRMSYNC_TEST_REDIS name the servers: run `make bench-peers`")
	}
	if !strings.Contains(m.dsn, "://") {
		return nil, errors.New("CRMSYNC_TEST_POSTGRES must be a URL here, postgres://…")
	}
	var err error
	if m.admin, err = pgxpool.New(ctx, m.dsn); err != nil {
		return nil, errors.New("CRMSYNC_TEST_POSTGRES is no DSN") // the cause may show a password
	}
	m.redis = redis.NewClient(&redis.Options{Addr: addr, PoolSize: connections})
	if m.dir, err = os.MkdirTemp("", "crmsync-bench-"); err != nil {
		return nil, err
	}
	return m, errors.Join(m.admin.Ping(ctx), m.redis.Ping(ctx).Err())
}

func (m *machine) close() error {
	m.admin.Close()
	return errors.Join(m.redis.Close(), os.RemoveAll(m.dir))
}

// A database is one of PostgreSQL, made for one engine.
type database struct {
	*pgxpool.Pool
	admin *pgxpool.Pool
	name  string
}

// database makes an empty database.
func (m *machine) database(ctx context.Context) (*database, error) {
	name := unique()
	u, err := url.Parse(m.dsn)
	if err != nil {
		return nil, errors.New("CRMSYNC_TEST_POSTGRES is no URL")
	}
	if _, err := m.admin.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		return nil, err
	}
	u.Path = "/" + name
	config, err := pgxpool.ParseConfig(u.String())
	if err != nil {
		return nil, err
	}
	config.MaxConns = connections
	pool, err := pgxpool.NewWithConfig(ctx, config)
	return &database{pool, m.admin, name}, err
}

// bytes is the size of all tables and indexes that hold something.
func (d *database) bytes(ctx context.Context) (n int64, err error) {
	return n, d.QueryRow(ctx, `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
		WHERE c.relkind = 'r' AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)`).Scan(&n)
}

func (d *database) drop() error {
	d.Close()
	_, err := d.admin.Exec(context.Background(), "DROP DATABASE "+d.name+" WITH (FORCE)")
	return err
}

// unique is a name that nobody else has.
func unique() string { return "crmsync_bench_" + strings.ToLower(rand.Text()[:16]) }

// redisBytes is the memory that the data of Redis take.
func (m *machine) redisBytes(ctx context.Context) (int64, error) {
	info, err := m.redis.InfoMap(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	var n int64
	_, err = fmt.Sscan(info["Memory"]["used_memory_dataset"], &n)
	return n, err
}

// emptyRedis deletes the keys with a prefix.
func (m *machine) emptyRedis(ctx context.Context, pattern string) error {
	keys := m.redis.Scan(ctx, 0, pattern, 10_000).Iterator()
	var some []string
	for more := true; more; {
		if more = keys.Next(ctx); more {
			some = append(some, keys.Val())
		}
		if len(some) == 1000 || !more && len(some) > 0 {
			if err := m.redis.Del(ctx, some...).Err(); err != nil {
				return err
			}
			some = some[:0]
		}
	}
	return keys.Err()
}
