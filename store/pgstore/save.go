package pgstore

import (
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	freeSQL = `DELETE FROM @end e USING unnest($1::text[], $2::text[]) u(flow, ref) WHERE e.flow = u.flow AND e.ref = u.ref`
	takeSQL = `INSERT INTO @end (flow, ref, link) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])`
	putSQL  = `INSERT INTO @link (id, flow, state, generation, intent, expires, data)
		SELECT id, flow, state, generation, intent, expires, data::json
		FROM unnest($1::text[], $2::text[], $3::text[], $4::int8[], $5::text[], $6::timestamptz[], $7::text[])
			u(id, flow, state, generation, intent, expires, data)
		ON CONFLICT (id) DO UPDATE SET flow = excluded.flow, state = excluded.state, generation = excluded.generation,
			intent = excluded.intent, expires = excluded.expires, data = excluded.data`
	baseSQL = `INSERT INTO @base (link, data) SELECT * FROM unnest($1::text[], $2::bytea[])
		ON CONFLICT (link) DO UPDATE SET data = excluded.data`
	forgetSQL = `DELETE FROM @base WHERE link = ANY ($1)`
	entrySQL  = `INSERT INTO @audit (seq, key, at, kind, flow, link, left_ref, right_ref, data)
		SELECT seq, key, at, kind, flow, link, left_ref, right_ref, data::json
		FROM unnest($1::int8[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
			u(seq, key, at, kind, flow, link, left_ref, right_ref, data)`
)

func (s *Store) saveEnds(b *pgx.Batch, st *state) {
	var flows, refs, links []string
	for e := range st.freed {
		flows, refs = append(flows, e.flow), append(refs, e.ref)
	}
	if len(flows) > 0 {
		b.Queue(s.sql.Replace(freeSQL), flows, refs)
	}
	flows, refs = nil, nil
	for e := range st.taken {
		flows, refs, links = append(flows, e.flow), append(refs, e.ref), append(links, st.ends[e])
	}
	if len(flows) > 0 {
		b.Queue(s.sql.Replace(takeSQL), flows, refs, links)
	}
}

func (s *Store) saveLinks(b *pgx.Batch, st *state) {
	var id, flow, state, data []string
	var generation []int64
	var intent []*string
	var expires []*time.Time
	for _, ch := range st.changed {
		l := ch.link
		id, flow, state, data = append(id, l.ID), append(flow, l.Flow), append(state, string(l.State)), append(data, ch.data)
		generation = append(generation, l.Generation+1)
		var until *time.Time
		var under *string
		if l.Intent != nil {
			under, until = &l.Intent.ID, &l.Intent.Expires
		}
		intent, expires = append(intent, under), append(expires, until)
	}
	if len(id) > 0 {
		b.Queue(s.sql.Replace(putSQL), id, flow, state, generation, intent, expires, data)
	}
}

func (s *Store) saveBases(b *pgx.Batch, st *state) {
	var links, forgotten []string
	var data [][]byte
	for link, base := range st.bases {
		if base == nil {
			forgotten = append(forgotten, link)
		} else {
			links, data = append(links, link), append(data, base)
		}
	}
	if len(links) > 0 {
		b.Queue(s.sql.Replace(baseSQL), links, data)
	}
	if len(forgotten) > 0 {
		b.Queue(s.sql.Replace(forgetSQL), forgotten)
	}
}

func (s *Store) saveEntries(b *pgx.Batch, st *state) {
	n := len(st.entries)
	if n == 0 {
		return
	}
	seq, at := make([]int64, n), make([]time.Time, n)
	key, link, left, right := make([]*string, n), make([]*string, n), make([]*string, n), make([]*string, n)
	kind, flow, data := make([]string, n), make([]string, n), make([]string, n)
	for i, e := range st.entries {
		seq[i], key[i], at[i], kind[i], flow[i] = e.seq, e.key, e.at, e.kind, e.flow
		link[i], left[i], right[i], data[i] = e.link, e.left, e.right, e.data
	}
	b.Queue(s.sql.Replace(entrySQL), seq, key, at, kind, flow, link, left, right, data)
}
