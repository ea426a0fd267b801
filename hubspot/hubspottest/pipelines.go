package hubspottest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Pipeline is a sequence of stages that deals move through, in the vendor's wire shape.
// https://developers.hubspot.com/docs/api-reference/latest/crm/pipelines/guide
type Pipeline struct {
	ID           string  `json:"id"`
	Label        string  `json:"label"`
	DisplayOrder int     `json:"displayOrder"`
	Stages       []Stage `json:"stages"`
	Archived     bool    `json:"archived"`
	CreatedAt    string  `json:"createdAt"`
	UpdatedAt    string  `json:"updatedAt"`
}

// Stage is one step of a Pipeline.
type Stage struct {
	ID               string            `json:"id"`
	Label            string            `json:"label"`
	DisplayOrder     int               `json:"displayOrder"`
	Metadata         map[string]string `json:"metadata"` // "probability" from "0.0" (lost) to "1.0" (won), and "isClosed"
	Archived         bool              `json:"archived"`
	CreatedAt        string            `json:"createdAt"`
	UpdatedAt        string            `json:"updatedAt"`
	WritePermissions string            `json:"writePermissions"`
}

const (
	defaultPipeline = "default"
	maxStages       = 100
	epoch           = "1970-01-01T00:00:00Z" // when the vendor says that its own stages were made
)

// StockPipeline is the deal pipeline that every account starts with, as a base for Options.Pipelines.
func StockPipeline() Pipeline {
	p := Pipeline{ID: defaultPipeline, Label: "Sales Pipeline", CreatedAt: epoch, UpdatedAt: epoch}
	for i, row := range [][3]string{
		{"appointmentscheduled", "Appointment Scheduled", "0.2"},
		{"qualifiedtobuy", "Qualified To Buy", "0.4"},
		{"presentationscheduled", "Presentation Scheduled", "0.6"},
		{"decisionmakerboughtin", "Decision Maker Bought-In", "0.8"},
		{"contractsent", "Contract Sent", "0.9"},
		{"closedwon", "Closed Won", "1.0"},
		{"closedlost", "Closed Lost", "0.0"},
	} {
		p.Stages = append(p.Stages, Stage{
			ID: row[0], Label: row[1], DisplayOrder: i, Metadata: map[string]string{"probability": row[2]}, CreatedAt: epoch, UpdatedAt: epoch,
		}.complete())
	}
	return p
}

// complete derives what of a stage follows from the rest.
func (s Stage) complete() Stage {
	s.WritePermissions = "CRM_PERMISSIONS_ENFORCEMENT"
	p, err := strconv.ParseFloat(s.Metadata["probability"], 64)
	s.Metadata = map[string]string{"probability": s.Metadata["probability"], "isClosed": strconv.FormatBool(err == nil && (p == 0 || p == 1))}
	return s
}

// clone is a copy that shares nothing which may change.
func (p Pipeline) clone() Pipeline {
	p.Stages = slices.Clone(p.Stages)
	return p
}

// stage is the index of a stage, -1 when the pipeline lacks it.
func (p Pipeline) stage(id string) int {
	return slices.IndexFunc(p.Stages, func(s Stage) bool { return s.ID == id })
}

// with is the pipeline with a stage put in the place of the one with its id, or added.
func (p Pipeline) with(s Stage) Pipeline {
	p = p.clone()
	if i := p.stage(s.ID); i >= 0 {
		p.Stages[i] = s.complete()
	} else {
		p.Stages = append(p.Stages, s.complete())
	}
	return p
}

// without is the pipeline less a stage.
func (p Pipeline) without(stage string) Pipeline {
	p.Stages = slices.DeleteFunc(slices.Clone(p.Stages), func(s Stage) bool { return s.ID == stage })
	return p
}

// check says what is wrong with the pipeline. The vendor's words are not published.
func (p Pipeline) check() *apiError {
	seen := map[string]bool{}
	for _, s := range p.Stages {
		odds, err := strconv.ParseFloat(s.Metadata["probability"], 64)
		switch {
		case s.Label == "":
			return invalid("A stage of pipeline %s has no label.", p.ID)
		case seen[s.Label] || seen["id "+s.ID]:
			return invalid("Pipeline %s has the stage %q twice.", p.ID, s.Label)
		case err != nil || odds < 0 || odds > 1:
			return invalid("Stage %q must specify a probability between 0.0 and 1.0 in its metadata.", s.Label)
		}
		seen[s.Label], seen["id "+s.ID] = true, true
	}
	switch {
	case p.Label == "":
		return invalid("A pipeline needs a label.")
	case len(p.Stages) > maxStages:
		return invalid("Pipeline %s has more than %d stages.", p.ID, maxStages)
	}
	return nil
}

// pipelines are the deal pipelines of an account.
type pipelines struct {
	all    []Pipeline // by displayOrder
	audits map[string][]audit
	lastID int64
}

// audit is one edit of a pipeline or a stage.
type audit struct {
	PortalID   int64  `json:"portalId"`
	Identifier string `json:"identifier"`
	Action     string `json:"action"`
	Timestamp  string `json:"timestamp"`
	FromUserID int    `json:"fromUserId,omitempty"`
	RawObject  any    `json:"rawObject"`
	Message    string `json:"message"`
}

// newPipelines is the stock pipeline and the seeds. A seed replaces the pipeline with its id; what it leaves out is filled in.
func newPipelines(seeds []Pipeline) *pipelines {
	ps := &pipelines{audits: map[string][]audit{}, lastID: 1_016_475_000}
	ps.put(StockPipeline())
	for _, p := range seeds {
		p.Label = or(p.Label, p.ID)
		p.CreatedAt, p.UpdatedAt = or(p.CreatedAt, epoch), or(p.UpdatedAt, epoch)
		p.Stages = slices.Clone(p.Stages)
		for i, s := range p.Stages {
			p.Stages[i] = s.seeded(i)
		}
		if bad := p.check(); bad != nil {
			panic(bad)
		}
		ps.put(p)
	}
	return ps
}

// seeded fills in what a host application left out of a stage.
func (s Stage) seeded(order int) Stage {
	s.Label = or(s.Label, s.ID)
	s.DisplayOrder = or(s.DisplayOrder, order)
	s.CreatedAt, s.UpdatedAt = or(s.CreatedAt, epoch), or(s.UpdatedAt, epoch)
	if s.Metadata["probability"] == "" {
		s.Metadata = map[string]string{"probability": "0.5"}
	}
	return s.complete()
}

// find returns a pipeline; false when there is none.
func (ps *pipelines) find(id string) (Pipeline, bool) {
	for _, p := range ps.all {
		if p.ID == id {
			return p.clone(), true
		}
	}
	return Pipeline{}, false
}

// copies are all pipelines, sharing nothing that may change.
func (ps *pipelines) copies() []Pipeline {
	all := slices.Clone(ps.all)
	for i, p := range all {
		all[i] = p.clone()
	}
	return all
}

// auditsOf are the edits of a pipeline or stage, oldest first.
func (ps *pipelines) auditsOf(id string) []audit { return append([]audit{}, ps.audits[id]...) }

func (ps *pipelines) put(p Pipeline) {
	ps.drop(p.ID)
	slices.SortStableFunc(p.Stages, func(a, b Stage) int { return cmp.Compare(a.DisplayOrder, b.DisplayOrder) })
	ps.all = append(ps.all, p)
	slices.SortStableFunc(ps.all, func(a, b Pipeline) int {
		return cmp.Or(cmp.Compare(a.DisplayOrder, b.DisplayOrder), cmp.Compare(a.CreatedAt, b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
}

func (ps *pipelines) drop(id string) {
	ps.all = slices.DeleteFunc(ps.all, func(p Pipeline) bool { return p.ID == id })
}

func (ps *pipelines) mint() string {
	ps.lastID++
	return strconv.FormatInt(ps.lastID, 10)
}

// options are the allowed values of the properties pipeline and dealstage.
func (ps *pipelines) options() (pipelines, stages []Option) {
	for _, p := range ps.all {
		pipelines = append(pipelines, Option{p.Label, p.ID, len(pipelines), false})
		for _, s := range p.Stages {
			stages = append(stages, Option{s.Label, s.ID, len(stages), false})
		}
	}
	return pipelines, stages
}

// stageProblem says what is wrong with a deal's pipeline and stage, nil when nothing is. The vendor's own text is not
// published.
func (a *Account) stageProblem(pipeline, stage string) *problem {
	p, known := a.pipelines.find(pipeline)
	if !known {
		return &problem{propPipeline, "INVALID_OPTION", pipeline + " was not one of the allowed options of " + propPipeline}
	}
	if p.stage(stage) < 0 {
		return &problem{propStage, "INVALID_OPTION", fmt.Sprintf("%s was not one of the allowed options: it is no stage of pipeline %s", stage, p.ID)}
	}
	return nil
}
