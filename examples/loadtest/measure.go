package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/urbanhub/crmsync/internal/loopback"
	"github.com/urbanhub/crmsync/queue/pgqueue"
)

// poolSize is how many pairs the live load edits in turn.
const poolSize = 300

// searchLag is how long HubSpot's search, and so a list of all contacts, does
// not know new contacts.
const searchLag = 3 * time.Second

// warming is how long the backfill goes on before the live load starts: the
// pairs that are edited are then not ones that were made this moment, of which
// the vendors' webhooks are still on their way.
const warming = 5 * time.Second

// measure runs the engines under load.
func measure(ctx context.Context, f flags) (*report, error) {
	v, err := newVendors(ctx, f)
	if err != nil {
		return nil, err
	}
	defer v.close()
	pool := v.fill(0, poolSize)
	v.fill(poolSize, f.records)
	time.Sleep(searchLag)
	progress("%d contacts in HubSpot, %d engine processes start", poolSize+f.records, f.engines)
	schema := fmt.Sprintf("loadtest_%d", os.Getpid())
	fleet, err := launch(ctx, v, f, schema)
	if err != nil {
		return nil, err
	}
	defer func() { _ = fleet.kill() }() // those that were not stopped
	pairs, err := linked(ctx, v, pool)
	if err != nil {
		return nil, err
	}
	time.Sleep(warming)
	progress("the live load starts, %d edits a minute for %s", f.rate, f.duration)
	rep, l, err := load(ctx, v, f, pairs)
	if err != nil {
		return nil, err
	}
	progress("all comes to rest")
	if err := fleet.rest(ctx, v, schema); err != nil {
		return nil, err
	}
	rep.Engines = f.engines
	if err := fleet.stop(rep); err != nil {
		return nil, err
	}
	rep.Lost = l.lost()
	v.compare(rep)
	rep.judge()
	return rep, dropTables(ctx, schema)
}

// dropTables removes what the run made in the database.
func dropTables(ctx context.Context, schema string) error {
	db, err := pgxpool.New(ctx, os.Getenv(postgresEnv))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(ctx, "DROP SCHEMA "+schema+" CASCADE")
	return err
}

func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// load edits and watches for a while.
func load(ctx context.Context, v *vendors, f flags, pairs []pair) (*report, *live, error) {
	l := newLive(v)
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	watched := make(chan struct{})
	go func() { defer close(watched); l.watch(watching) }()
	defer func() {
		stop()
		<-watched
	}()
	from, before := time.Now(), len(v.bird.Contacts())
	if err := l.run(ctx, pairs, f.rate, f.duration); err != nil {
		return nil, nil, err
	}
	upto := time.Now()
	rep := &report{Records: len(v.bird.Contacts()) - before, Shown: l.count()}
	for end := upto.Add(30 * time.Second); l.waiting() > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	rep.measured(v, l, f.burst, from, upto)
	return rep, l, nil
}

// linked waits until all of these HubSpot contacts have their counterparts.
func linked(ctx context.Context, v *vendors, ids []string) ([]pair, error) {
	for end := time.Now().Add(5 * time.Minute); ; {
		var pairs []pair
		for _, id := range ids {
			props, _ := v.hubspot.Contact(id)
			if mate := props["custom_bird_contact_id"]; mate != "" {
				pairs = append(pairs, pair{mate, id})
			}
		}
		switch {
		case len(pairs) == len(ids):
			return pairs, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case time.Now().After(end):
			return nil, fmt.Errorf("only %d of %d contacts were linked in 5 minutes", len(pairs), len(ids))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// A fleet is the engine processes, of which the first one backfills.
type fleet []*member

type member struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// launch starts the engines and tells the vendors their addresses.
func launch(ctx context.Context, v *vendors, f flags, schema string) (fleet, error) {
	var all fleet
	for i := range f.engines {
		at, err := loopback.Claim(ctx)
		if err != nil {
			return all, errors.Join(err, all.kill())
		}
		address := at.String()
		m, err := start(ctx, settings{Bird: v.bird.URL, Workspace: v.bird.WorkspaceID, AccessKey: v.bird.AccessKey,
			HubSpot: v.hubspot.URL, Token: v.hubspot.Token, Burst: f.burst, Schema: schema, Listen: address, Backfill: i == 0})
		if err != nil {
			return all, errors.Join(err, all.kill())
		}
		all = append(all, m)
		if i == 0 {
			v.hubspot.Subscribe("http://"+address+"/webhooks/hubspot", hubspotSecret)
		}
		if i == f.engines-1 {
			v.bird.OnContactChange("http://"+address+"/flows/bird", flowSecret)
		}
	}
	return all, nil
}

// start starts one engine process and waits until it is ready.
func start(ctx context.Context, s settings) (*member, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	m := &member{cmd: exec.CommandContext(ctx, self)}
	m.cmd.Env = append(os.Environ(), engineEnv+"="+string(text))
	m.cmd.Stderr = os.Stderr
	in, err := m.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	m.in, m.out = in, bufio.NewScanner(out)
	if err := m.cmd.Start(); err != nil {
		return nil, err
	}
	if !m.out.Scan() || strings.TrimSpace(m.out.Text()) != "ready" {
		return nil, errors.Join(errors.New("an engine process did not start"), m.cmd.Wait())
	}
	return m, nil
}

func (all fleet) kill() (err error) {
	for _, m := range all {
		if m.cmd.ProcessState == nil {
			_ = m.cmd.Process.Kill() // it may have ended by itself
			err = m.cmd.Wait()
		}
	}
	return err
}

// rest ends the backfill and waits until nothing is left to do.
func (all fleet) rest(ctx context.Context, v *vendors, schema string) error {
	if _, err := fmt.Fprintln(all[0].in, "stop the backfill"); err != nil {
		return err
	}
	db, err := pgxpool.New(ctx, os.Getenv(postgresEnv))
	if err != nil {
		return err
	}
	defer db.Close()
	log := pgqueue.NewLog(db, &pgqueue.Options{Schema: schema})
	for calm := 0; calm < 5; {
		if err := v.settled(ctx); err != nil {
			return err
		}
		stats, err := log.Stats(ctx, time.Now())
		if err != nil {
			return err
		}
		if calm++; stats.Waiting > 0 {
			calm = 0
		}
		time.Sleep(200 * time.Millisecond)
	}
	return nil
}

// stop ends the engines in good order and takes their counts.
func (all fleet) stop(rep *report) error {
	var synced, buried int
	for _, m := range all {
		n, err := m.stop()
		if err != nil {
			return err
		}
		synced, buried = synced+n.Synced, buried+n.Buried
		if usage, ok := m.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			rep.MemoryMB = append(rep.MemoryMB, int(usage.Maxrss/1024))
		}
	}
	rep.Failures = share(buried, synced+buried)
	return nil
}

func (m *member) stop() (n counts, err error) {
	if err := m.in.Close(); err != nil {
		return n, err
	}
	for m.out.Scan() {
		err = json.Unmarshal(m.out.Bytes(), &n)
	}
	return n, errors.Join(err, m.cmd.Wait())
}
