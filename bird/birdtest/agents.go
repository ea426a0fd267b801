package birdtest

import (
	"slices"
	"strings"
	"time"
)

// An Agent is a person who answers in the Inbox.
// See https://docs.bird.com/api/collaborations-api.
type Agent struct {
	ID, DisplayName string
	// Availability is "active", "away" or "inactive".
	Availability string
	TeamID, Team string

	seq       int
	createdAt time.Time
}

// DefaultAgent is the id of the agent that every workspace has, Jane Agent of
// the team Leasing.
const DefaultAgent = "9f1b0c0e-6a52-4f0e-8d0b-3c7a1e5b9d02"

const defaultTeam = "7d1b0c0e-2b83-4c51-9a6e-5f0d2c8b4e01"

// The access key, the default agent and the AI employee as participants.
var (
	accessKey        = Participant{ID: "68b80b8d-8060-42df-bda3-73505a8fdb84", Type: "accessKey", Status: active, DisplayName: "API key"}
	agentParticipant = Participant{ID: DefaultAgent, Type: "user", Status: active, DisplayName: "Jane Agent"}
	assistant        = Participant{ID: "71f736c7-16cf-457e-8be9-e9b9ba2f7a4c", Type: "bot", Status: active, DisplayName: "Leasing assistant"}
)

// AddAgent lets one more person answer in the Inbox and returns the id.
func (s *Server) AddAgent(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hire(s.uuid(), name).ID
}

func (s *Server) hire(id, name string) *Agent {
	s.lastSeq++
	a := &Agent{ID: id, DisplayName: name, Availability: active, TeamID: defaultTeam, Team: "Leasing", seq: s.lastSeq, createdAt: s.now()}
	s.agents = append(s.agents, a)
	return a
}

// agent returns an agent, nil when there is none of the id.
func (s *Server) agent(id string) *Agent {
	i := slices.IndexFunc(s.agents, func(a *Agent) bool { return a.ID == id })
	if i < 0 {
		return nil
	}
	return s.agents[i]
}

func (s *Server) agentRoutes() []route {
	return []route{{"GET agents", s.listAgents}}
}

// listAgents knows the filters name and agentStatuses.
func (s *Server) listAgents(r request) reply {
	if !r.query.Has("limit") {
		r.query.Set("limit", "25") // the Collaborations API's own default
	}
	var kept []*Agent
	for _, a := range s.agents {
		if strings.Contains(a.DisplayName, r.query.Get("name")) && fits(r.query.Get("agentStatuses"), a.Availability) {
			kept = append(kept, a)
		}
	}
	return list(s, r, kept, func(a *Agent) (int, time.Time) { return a.seq, a.createdAt }, s.wireAgent)
}

func (s *Server) wireAgent(a *Agent) map[string]any {
	assigned := 0
	for _, v := range s.threads {
		if v.item.agentID == a.ID && !v.item.closed {
			assigned++
		}
	}
	return map[string]any{"id": a.ID, "displayName": a.DisplayName, "rootItemAssignedCount": assigned,
		"teams":        []any{map[string]any{"id": a.TeamID, "name": a.Team}},
		"availability": map[string]any{"status": a.Availability, "activity": "available"}}
}
