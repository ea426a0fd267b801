package bird

import (
	"context"
	"encoding/json"
)

// An Agent is a person of the workspace who answers conversations.
// See https://docs.bird.com/api/collaborations-api.
type Agent struct {
	ID    string
	Name  string
	Teams []Team
	// Status and Activity tell whether the agent works, such as "active" and
	// "available".
	Status, Activity string
	Assigned         int // items that the agent has in hand
}

// A Team is a group of agents.
type Team struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// UnmarshalJSON takes an agent from the list.
func (g *Agent) UnmarshalJSON(data []byte) error {
	var w struct {
		ID           string `json:"id"`
		DisplayName  string `json:"displayName"`
		Teams        []Team `json:"teams"`
		Availability struct {
			Status   string `json:"status"`
			Activity string `json:"activity"`
		} `json:"availability"`
		Assigned int `json:"rootItemAssignedCount"`
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	*g = Agent{ID: w.ID, Name: w.DisplayName, Teams: w.Teams, Status: w.Availability.Status,
		Activity: w.Availability.Activity, Assigned: w.Assigned}
	return nil
}

// Agents returns all agents of the workspace.
func (a *Adapter) Agents(ctx context.Context) ([]Agent, error) {
	return all[Agent](ctx, a, request{op: "bird: list agents", path: a.workspace + "/agents"})
}
