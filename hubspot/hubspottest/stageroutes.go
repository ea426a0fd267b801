package hubspottest

import "net/http"

// onStage finds the pipeline that the path names, and its stage.
func (a *Account) onStage(h func(*request, Pipeline, Stage) response) handler {
	return a.onPipeline(func(q *request, p Pipeline) response {
		i := p.stage(q.PathValue("stageId"))
		if i < 0 {
			return resourceNotFound()
		}
		return h(q, p, p.Stages[i])
	})
}

// stageInput is a stage as it is written; what a PATCH leaves out stays.
type stageInput struct {
	ID           string  `json:"stageId"`
	Label        *string `json:"label"`
	DisplayOrder *int    `json:"displayOrder"`
	Metadata     values  `json:"metadata"`
}

// names reports whether the input is about the stage.
func (in stageInput) names(s Stage) bool {
	return in.ID == s.ID || in.ID == "" && in.Label != nil && *in.Label == s.Label
}

// apply writes what the input has over a stage.
func (in stageInput) apply(a *Account, s Stage) Stage {
	if in.Label != nil {
		s.Label = *in.Label
	}
	if in.DisplayOrder != nil {
		s.DisplayOrder = *in.DisplayOrder
	}
	if odds, given := in.Metadata["probability"]; given {
		s.Metadata = map[string]string{"probability": odds}
	}
	s.UpdatedAt = a.now().Format(timeLayout)
	return s.complete()
}

func (a *Account) listStages(_ *request, p Pipeline) response { return ok(results{p.Stages}) }

func (a *Account) readStage(_ *request, _ Pipeline, s Stage) response { return ok(s) }

func (a *Account) createStage(q *request, p Pipeline) response {
	var in stageInput
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	if p.stage(in.ID) >= 0 { // the vendor's words are not published
		return failure(http.StatusConflict, "CONFLICT", "A stage with ID "+in.ID+" already exists.")
	}
	s := Stage{ID: or(in.ID, a.pipelines.mint()), DisplayOrder: len(p.Stages), CreatedAt: a.now().Format(timeLayout)}
	return a.savedStage(q, "CREATE", http.StatusCreated, p, in.apply(a, s))
}

func (a *Account) updateStage(q *request, p Pipeline, s Stage) response {
	var in stageInput
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	return a.savedStage(q, "UPDATE", http.StatusOK, p, in.apply(a, s))
}

// replaceStage writes a stage anew; what the call leaves out is gone.
func (a *Account) replaceStage(q *request, p Pipeline, s Stage) response {
	var in stageInput
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	return a.savedStage(q, "UPDATE", http.StatusOK, p, in.apply(a, Stage{ID: s.ID, DisplayOrder: s.DisplayOrder, CreatedAt: s.CreatedAt}))
}

// savedStage is the answer to an edit of one stage.
func (a *Account) savedStage(q *request, action string, status int, p Pipeline, s Stage) response {
	if bad := a.savePipeline(p.with(s), false, q.actor); bad != nil {
		return bad.response()
	}
	a.audit(action, s.ID, s, q.actor)
	return response{status, s}
}

// deleteStage removes a stage for good. One that is not there is no error.
func (a *Account) deleteStage(q *request) response {
	id := q.PathValue("stageId")
	p, known := a.pipelines.find(q.PathValue("pipelineId"))
	i := p.stage(id)
	if !known || i < 0 || q.store.typ.plural != "deals" {
		return noContent()
	}
	gone := p.Stages[i]
	if bad := a.savePipeline(p.without(id), false, q.actor); bad != nil {
		return bad.response()
	}
	a.audit("DELETE", id, gone, q.actor)
	return noContent()
}

func (a *Account) auditStage(q *request) response {
	return ok(results{a.pipelines.auditsOf(q.PathValue("stageId"))})
}
