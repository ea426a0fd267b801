package hubspottest

import (
	"net/http"
	"slices"
)

// pipelineRoutes are the calls about the pipelines of deals; other object types have none.
// https://developers.hubspot.com/docs/api-reference/latest/crm/pipelines/guide
func (a *Account) pipelineRoutes(version string) []route {
	base := crm("pipelines", version) + "/{object}"
	one := base + "/{pipelineId}"
	stage := one + "/stages/{stageId}"
	return []route{
		{pattern: "GET " + base, handle: a.listPipelines},
		{pattern: "POST " + base, handle: a.createPipeline},
		{pattern: "GET " + one, handle: a.onPipeline(a.readPipeline)},
		{pattern: "PATCH " + one, handle: a.onPipeline(a.updatePipeline)},
		{pattern: "PUT " + one, handle: a.onPipeline(a.replacePipeline)},
		{pattern: "DELETE " + one, handle: a.onPipeline(a.deletePipeline)},
		{pattern: "GET " + one + "/audit", handle: a.onPipeline(a.auditPipeline)},
		{pattern: "GET " + one + "/stages", handle: a.onPipeline(a.listStages)},
		{pattern: "POST " + one + "/stages", handle: a.onPipeline(a.createStage)},
		{pattern: "GET " + stage, handle: a.onStage(a.readStage)},
		{pattern: "PATCH " + stage, handle: a.onStage(a.updateStage)},
		{pattern: "PUT " + stage, handle: a.onStage(a.replaceStage)},
		{pattern: "DELETE " + stage, handle: a.deleteStage},
		{pattern: "GET " + stage + "/audit", handle: a.auditStage},
	}
}

// onPipeline finds the pipeline that the path names.
func (a *Account) onPipeline(h func(*request, Pipeline) response) handler {
	return func(q *request) response {
		if p, known := a.pipelines.find(q.PathValue("pipelineId")); known && q.store.typ.plural == "deals" {
			return h(q, p)
		}
		return resourceNotFound()
	}
}

// pipelineInput is a pipeline as it is written; what a PATCH leaves out stays.
type pipelineInput struct {
	ID           string       `json:"pipelineId"`
	Label        *string      `json:"label"`
	DisplayOrder *int         `json:"displayOrder"`
	Stages       []stageInput `json:"stages"`
}

// apply writes what the input has over a pipeline, its stages aside.
func (in pipelineInput) apply(p Pipeline) Pipeline {
	if in.Label != nil {
		p.Label = *in.Label
	}
	if in.DisplayOrder != nil {
		p.DisplayOrder = *in.DisplayOrder
	}
	return p
}

// staged gives a pipeline the stages of the input. One with the id or else the label of an old stage is that stage.
func (in pipelineInput) staged(a *Account, p Pipeline) Pipeline {
	old := p.Stages
	p.Stages = nil
	for _, si := range in.Stages {
		s := Stage{CreatedAt: a.now().Format(timeLayout), DisplayOrder: len(p.Stages)}
		if i := slices.IndexFunc(old, si.names); i >= 0 {
			s.ID, s.CreatedAt = old[i].ID, old[i].CreatedAt
		}
		s.ID = or(or(s.ID, si.ID), a.pipelines.mint())
		p.Stages = append(p.Stages, si.apply(a, s))
	}
	return p
}

func (a *Account) listPipelines(q *request) response {
	if q.store.typ.plural != "deals" {
		return ok(results{[]Pipeline{}})
	}
	return ok(results{a.pipelines.copies()})
}

func (a *Account) createPipeline(q *request) response {
	var in pipelineInput
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	if q.store.typ.plural != "deals" {
		return resourceNotFound()
	}
	if _, known := a.pipelines.find(in.ID); known { // the vendor's words are not published
		return failure(http.StatusConflict, "CONFLICT", "A pipeline with ID "+in.ID+" already exists.")
	}
	p := in.apply(Pipeline{ID: or(in.ID, a.pipelines.mint()), DisplayOrder: len(a.pipelines.all)})
	return a.saved(q, "CREATE", http.StatusCreated, in.staged(a, p))
}

func (a *Account) readPipeline(_ *request, p Pipeline) response { return ok(p) }

func (a *Account) updatePipeline(q *request, p Pipeline) response {
	var in pipelineInput
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	return a.saved(q, "UPDATE", http.StatusOK, in.apply(p))
}

// replacePipeline puts new stages in the place of the old ones.
func (a *Account) replacePipeline(q *request, p Pipeline) response {
	var in pipelineInput
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	return a.saved(q, "UPDATE", http.StatusOK, in.staged(a, in.apply(p)))
}

// saved is the answer to an edit of a whole pipeline.
func (a *Account) saved(q *request, action string, status int, p Pipeline) response {
	if bad := a.savePipeline(p, q.forced(), q.actor); bad != nil {
		return bad.response()
	}
	p, _ = a.pipelines.find(p.ID)
	a.audit(action, p.ID, p, q.actor)
	return response{status, p}
}

// deletePipeline removes a pipeline for good; there is no recycle bin.
func (a *Account) deletePipeline(q *request, p Pipeline) response {
	if bad := a.removePipeline(p, q.forced(), q.actor); bad != nil {
		return bad.response()
	}
	a.audit("DELETE", p.ID, p, q.actor)
	return noContent()
}

// forced reports whether the call asks not to mind deals in the stages it removes. 2026-09 minds them always.
func (q *request) forced() bool {
	return q.version != "2026-09" && q.URL.Query().Get("validateDealStageUsagesBeforeDelete") == "false"
}

func (a *Account) auditPipeline(_ *request, p Pipeline) response {
	return ok(results{a.pipelines.auditsOf(p.ID)})
}
