package sync

import (
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
	"sync"
	"time"
)

// A stock is how far the inventory of a system is, and what the last whole one
// counted. A store keeps it as JSON in a cursor.
type stock struct {
	// Run identifies the inventory under way, "" when there is none.
	Run   string    `json:"run,omitempty"`
	Began time.Time `json:"began,omitzero"`
	// Kind is the kind that is listed, Listed those before it, and Place where
	// the next page begins.
	Kind   Kind         `json:"kind,omitempty"`
	Listed map[Kind]int `json:"listed,omitempty"`
	Place  Cursor       `json:"place,omitempty"`
	Unseen int          `json:"unseen,omitempty"`
	// Owner is the process that takes it, and Beat when it last said so.
	Owner string    `json:"owner,omitempty"`
	Beat  time.Time `json:"beat,omitzero"`
	// Ended is when the last whole one ended, and Counts what it listed.
	Ended  time.Time    `json:"ended,omitzero"`
	Counts map[Kind]int `json:"counts,omitempty"`

	stored Cursor // as it was read
}

func stockOf(system System) string { return "inventory:" + string(system) }

// inventoryOf returns how far the inventory of a system is.
func (e *Engine) inventoryOf(ctx context.Context, system System) (s stock, err error) {
	stored, err := e.cfg.Store.Cursor(ctx, stockOf(system))
	if err != nil || stored == "" {
		return s, err
	}
	if err := json.Unmarshal([]byte(stored), &s); err != nil {
		return s, &Error{Op: "inventory", Action: Fatal, Rule: "inventory.json",
			Hint: "the store holds something the engine did not write; delete the cursor " + stockOf(system), Err: err}
	}
	s.stored = stored
	return s, nil
}

// save stores how far the inventory is, unless somebody else takes it.
func (e *Engine) save(ctx context.Context, system System, s *stock) error {
	s.Beat = time.Now().UTC()
	to, err := json.Marshal(s)
	if err != nil {
		return err
	}
	err = e.cfg.Store.SetCursor(ctx, stockOf(system), s.stored, Cursor(to))
	if errors.Is(err, ErrStale) {
		return inventoryTaken()
	}
	s.stored = Cursor(to)
	return err
}

func inventoryTaken() error {
	return &Error{Op: "inventory", Action: Conflict, Rule: "inventory.taken", Hint: "another call or process takes it", Err: ErrStale}
}

// sightings are the records that the inventories under way have listed, by
// their hashes. They are this process's own: a record that an earlier process
// listed is read.
type sightings struct {
	mu      sync.Mutex
	process string // tells processes apart
	runs    map[System]*sighted
	taken   map[System]bool // whose inventory a call of this process takes
}

// take reports whether no other call of this process takes the inventory of a
// system, and takes it. What is listed is one call's until it gives it back.
func (s *sightings) take(system System) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[system] {
		return false
	}
	if s.taken == nil {
		s.taken = map[System]bool{}
	}
	s.taken[system] = true
	return true
}

func (s *sightings) give(system System) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.taken, system)
}

// owner names this process.
func (s *sightings) owner() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == "" {
		s.process = newID()
	}
	return s.process
}

type sighted struct {
	run  string
	seed maphash.Seed
	refs map[uint64]struct{}
}

// of returns those of a run.
func (s *sightings) of(system System, run string) *sighted {
	s.mu.Lock()
	defer s.mu.Unlock()
	if was := s.runs[system]; was != nil && was.run == run {
		return was
	}
	if s.runs == nil {
		s.runs = map[System]*sighted{}
	}
	s.runs[system] = &sighted{run: run, seed: maphash.MakeSeed(), refs: map[uint64]struct{}{}}
	return s.runs[system]
}

func (s *sightings) forget(system System) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.runs, system)
}

func (s *sighted) add(ref Ref) { s.refs[maphash.String(s.seed, ref.String())] = struct{}{} }

func (s *sighted) has(ref Ref) bool {
	_, ok := s.refs[maphash.String(s.seed, ref.String())]
	return ok
}
