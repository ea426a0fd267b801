package hubspottest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const pipelinesPath = "/crm/pipelines/2026-09/deals"

// TestPoint13Pipelines walks the rules of pipelines: the stock one, seeds, edits and what deals may be written.
func TestPoint13Pipelines(t *testing.T) {
	t.Run("stock pipeline in every version", stockPipelineServed)
	t.Run("seeded stage", seededStage)
	t.Run("stages that deals may have", dealStages)
	t.Run("edits over the API", pipelineEdits)
	t.Run("refused edits", refusedPipelineEdits)
	t.Run("stage in use", stageInUse)
	t.Run("an edit touches the deals", editTouchesDeals)
	t.Run("audit", pipelineAudit)
	t.Run("a person's edits", pipelineUI)
}

// stageIDs are the ids of a pipeline's stages in their order.
func stageIDs(pipeline any) []string {
	var ids []string
	for _, s := range pipeline.(doc)["stages"].([]any) {
		ids = append(ids, s.(doc)["id"].(string))
	}
	return ids
}

var stockStageIDs = words("appointmentscheduled qualifiedtobuy presentationscheduled decisionmakerboughtin contractsent closedwon closedlost")

func stockPipelineServed(t *testing.T) {
	r := newRig(t, nil)
	for _, base := range []string{"/crm/v3/pipelines/deals", "/crm/pipelines/2026-03/deals", "/crm/pipelines/2026-09/0-3"} {
		all := resultsOf(t, r.want(200, "GET", base, ""))
		if len(all) != 1 || all[0].(doc)["id"] != "default" {
			t.Fatalf("%s: %v", base, all)
		}
		if got := stageIDs(all[0]); !slices.Equal(got, stockStageIDs) {
			t.Errorf("stages %v", got)
		}
		won := r.want(200, "GET", base+"/default/stages/closedwon", "")
		if diff := cmp.Diff(doc{"isClosed": "true", "probability": "1.0"}, won["metadata"]); diff != "" {
			t.Error(diff)
		}
		if won["createdAt"] != "1970-01-01T00:00:00Z" {
			t.Errorf("a stock stage was made at %v", won["createdAt"])
		}
		if n := len(resultsOf(t, r.want(200, "GET", base+"/default/stages", ""))); n != 7 {
			t.Errorf("%d stages", n)
		}
	}
	if n := len(resultsOf(t, r.want(200, "GET", "/crm/pipelines/2026-09/contacts", ""))); n != 0 {
		t.Errorf("contacts have %d pipelines", n)
	}
	r.want(404, "GET", pipelinesPath+"/none", "")
	r.want(404, "GET", pipelinesPath+"/default/stages/decisionmakerstage", "")
	r.want(404, "GET", "/crm/pipelines/2026-09/notes/default", "")
	r.want(404, "POST", "/crm/pipelines/2026-09/notes", `{"label":"A","stages":[]}`)
	r.want(204, "DELETE", "/crm/pipelines/2026-09/notes/default/stages/closedwon", "") // nothing of deals
	if got := r.want(200, "GET", pipelinesPath+"/default", ""); !slices.Equal(stageIDs(got), stockStageIDs) {
		t.Errorf("stages %v", stageIDs(got))
	}
}

func seededStage(t *testing.T) {
	p := StockPipeline()
	p.Stages = append(p.Stages, Stage{ID: "decisionmakerstage", Label: "Decision Maker Stage"})
	r := newRig(t, &Options{Pipelines: []Pipeline{p, {ID: "rentals", DisplayOrder: 1, Stages: []Stage{{ID: "open"}}}}})
	r.want(201, "POST", objectsPath("deals"), `{"properties":{"dealname":"Casa","dealstage":"decisionmakerstage"}}`)
	r.want(201, "POST", objectsPath("deals"), `{"properties":{"dealname":"Apto","pipeline":"rentals","dealstage":"open"}}`)
	all := resultsOf(t, r.want(200, "GET", pipelinesPath, ""))
	if got := stageIDs(all[1]); !slices.Equal(got, []string{"open"}) {
		t.Errorf("seeded pipeline %v", all[1])
	}
	var options []string
	for _, o := range r.want(200, "GET", "/crm/properties/2026-09/deals/dealstage", "")["options"].([]any) {
		options = append(options, o.(doc)["value"].(string))
	}
	if want := append(slices.Clone(stockStageIDs), "decisionmakerstage", "open"); !slices.Equal(options, want) {
		t.Errorf("options of dealstage: %v", options)
	}
}

func dealStages(t *testing.T) {
	r := newRig(t, nil)
	r.AddPipeline(Pipeline{ID: "rentals", Stages: []Stage{{ID: "open"}, {ID: "closed", Metadata: map[string]string{"probability": "1"}}}})
	deal := r.fresh("deals")
	for _, c := range []struct{ name, props, wrong string }{
		{"a stage of the default pipeline", `"dealstage":"closedwon"`, ""},
		{"a stage that no pipeline has", `"dealstage":"decisionmakerstage"`, "dealstage"},
		{"a label", `"dealstage":"Closed Won"`, "dealstage"},
		{"another pipeline's stage", `"dealstage":"open"`, "dealstage"},
		{"another pipeline alone", `"pipeline":"rentals"`, "dealstage"},
		{"an unknown pipeline", `"pipeline":"nowhere","dealstage":"open"`, "pipeline"},
		{"pipeline and stage together", `"pipeline":"rentals","dealstage":"open"`, ""},
		{"and within it", `"dealstage":"closed"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, d := r.call("PATCH", objectsPath("deals")+"/"+deal, `{"properties":{`+c.props+`}}`)
			if c.wrong == "" {
				if status != 200 {
					t.Errorf("status %d: %v", status, d["message"])
				}
				return
			}
			errors, _ := d["errors"].([]any)
			if status != 400 || len(errors) != 1 {
				t.Fatalf("status %d: %v", status, d)
			}
			got := doc{"code": errors[0].(doc)["code"], "context": errors[0].(doc)["context"]}
			if diff := cmp.Diff(doc{"code": "INVALID_OPTION", "context": doc{"propertyName": []any{c.wrong}}}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	r.want(400, "POST", objectsPath("deals"), `{"properties":{"dealname":"Casa","dealstage":"nope"}}`)
}

func pipelineEdits(t *testing.T) {
	r := newRig(t, nil)
	for _, base := range []string{"/crm/v3/pipelines/deals", "/crm/pipelines/2026-03/deals", pipelinesPath} {
		made := r.want(201, "POST", base, `{"label":"Rentals","displayOrder":1,"stages":[
			{"label":"Won","displayOrder":2,"metadata":{"probability":"1.0"}},
			{"label":"Open","displayOrder":1,"metadata":{"probability":0.3},"stageId":"open"}]}`)
		id := made["id"].(string)
		won := stageIDs(made)[1]
		if stageIDs(made)[0] != "open" || won == "" {
			t.Fatalf("stages %v", stageIDs(made))
		}
		stage := r.want(201, "POST", base+"/"+id+"/stages", `{"label":"Visit","displayOrder":5,"metadata":{"probability":"0.5"}}`)
		path := base + "/" + id + "/stages/" + stage["id"].(string)
		patched := r.want(200, "PATCH", path, `{"label":"Tour"}`)
		if patched["label"] != "Tour" || patched["metadata"].(doc)["probability"] != "0.5" || patched["displayOrder"] != 5.0 {
			t.Errorf("patched %v", patched)
		}
		put := r.want(200, "PUT", path, `{"label":"Lost","displayOrder":9,"metadata":{"probability":"0.0"}}`)
		if put["metadata"].(doc)["isClosed"] != "true" || put["id"] != stage["id"] {
			t.Errorf("put %v", put)
		}
		r.want(204, "DELETE", path, "")
		r.want(204, "DELETE", path, "") // any stage that is not there
		if renamed := r.want(200, "PATCH", base+"/"+id, `{"label":"Lettings"}`); renamed["label"] != "Lettings" || len(stageIDs(renamed)) != 2 {
			t.Errorf("renamed %v", renamed)
		}
		replaced := r.want(200, "PUT", base+"/"+id, `{"label":"Sales","displayOrder":3,"stages":[{"label":"Won","displayOrder":0,"metadata":{"probability":"1.0"}}]}`)
		if got := stageIDs(replaced); !slices.Equal(got, []string{won}) {
			t.Errorf("the stage that kept its label is %v, want %s", got, won)
		}
		r.want(204, "DELETE", base+"/"+id, "")
		r.want(404, "GET", base+"/"+id, "")
	}
}

func refusedPipelineEdits(t *testing.T) {
	r := newRig(t, nil)
	stages := make([]string, maxStages+1)
	for i := range stages {
		stages[i] = fmt.Sprintf(`{"label":"s%d","metadata":{"probability":"0.5"}}`, i)
	}
	for _, c := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"no label", "POST", "", `{"stages":[]}`, 400},
		{"no probability", "POST", "", `{"label":"A","stages":[{"label":"Open"}]}`, 400},
		{"probability of 2", "POST", "/default/stages", `{"label":"Sure","metadata":{"probability":"2"}}`, 400},
		{"probability taken away", "PATCH", "/default/stages/closedwon", `{"metadata":{"probability":null}}`, 400},
		{"two stages of one label", "POST", "/default/stages", `{"label":"Closed Won","metadata":{"probability":"1.0"}}`, 400},
		{"too many stages", "POST", "", `{"label":"A","stages":[` + strings.Join(stages, ",") + `]}`, 400},
		{"pipeline id twice", "POST", "", `{"label":"A","pipelineId":"default","stages":[]}`, 409},
		{"stage id twice", "POST", "/default/stages", `{"label":"A","stageId":"closedwon","metadata":{"probability":"1.0"}}`, 409},
		{"bad JSON", "POST", "", `{`, 400},
	} {
		t.Run(c.name, func(t *testing.T) { r.want(c.status, c.method, pipelinesPath+c.path, c.body) })
	}
	if diff := cmp.Diff([]Pipeline{StockPipeline()}, r.Pipelines()); diff != "" {
		t.Errorf("a refused edit changed something: %s", diff)
	}
}

func stageInUse(t *testing.T) {
	r := newRig(t, nil)
	deal := r.fresh("deals")
	message := fmt.Sprintf("Stage IDs: [appointmentscheduled] are being referenced by object IDs: [%s]", deal)
	want := doc{
		"category": "VALIDATION_ERROR", "subCategory": "PipelineError.STAGE_ID_IN_USE", "message": message,
		"context": doc{"stageIds": []any{"[appointmentscheduled]"}, "objectIds": []any{"[" + deal + "]"}},
	}
	v3 := "/crm/v3/pipelines/deals/default"
	const force = "?validateDealStageUsagesBeforeDelete=false"
	for _, c := range [][3]string{
		{"DELETE", pipelinesPath + "/default/stages/appointmentscheduled", ""},
		{"DELETE", pipelinesPath + "/default" + force, ""}, // has no effect on 2026-09
		{"DELETE", v3, ""},
		{"PUT", v3, `{"label":"Sales","stages":[{"label":"Closed Won","metadata":{"probability":"1.0"}}]}`},
	} {
		d := r.want(400, c[0], c[1], c[2])
		delete(d, "correlationId")
		delete(d, "status")
		if diff := cmp.Diff(want, d); diff != "" {
			t.Errorf("%s %s: %s", c[0], c[1], diff)
		}
	}
	r.ArchiveObject("deals", deal) // the recycle bin does not count
	r.want(204, "DELETE", pipelinesPath+"/default/stages/appointmentscheduled", "")
	r.CreateObject("deals", map[string]string{"dealname": "Casa", "dealstage": "closedwon"})
	r.want(204, "DELETE", v3+force, "")
}

func editTouchesDeals(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	r := newRig(t, &Options{Clock: func() time.Time { return now }, Burst: -1})
	r.AddPipeline(Pipeline{ID: "rentals", Stages: []Stage{{ID: "open"}}})
	here := r.fresh("deals")
	there := r.CreateObject("deals", map[string]string{"dealname": "Apto", "pipeline": "rentals", "dealstage": "open"})
	now = now.Add(time.Hour)
	r.RenameStage("default", "closedwon", "Won")
	for id, want := range map[string]string{here: "2026-11-22T11:00:00.000Z", there: "2026-11-22T10:00:00.000Z"} {
		d := r.want(200, "GET", objectsPath("deals")+"/"+id, "")
		if got := props(d)["hs_lastmodifieddate"]; got != want {
			t.Errorf("modified %v, want %s", got, want)
		}
	}
}

func pipelineAudit(t *testing.T) {
	r := newRig(t, nil)
	made := r.want(201, "POST", pipelinesPath, `{"label":"A","stages":[{"label":"Open","stageId":"open","metadata":{"probability":"0.5"}}]}`)
	path := pipelinesPath + "/" + made["id"].(string)
	r.want(200, "PATCH", path, `{"label":"B"}`)
	r.want(200, "PATCH", path+"/stages/open", `{"label":"New"}`)
	for _, c := range []struct{ path, want string }{{path, "CREATE UPDATE"}, {path + "/stages/open", "UPDATE"}} {
		var actions []string
		for _, x := range resultsOf(t, r.want(200, "GET", c.path+"/audit", "")) {
			actions = append(actions, x.(doc)["action"].(string))
		}
		if got := strings.Join(actions, " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.path, got, c.want)
		}
	}
}

func pipelineUI(t *testing.T) {
	r := newRig(t, nil)
	id := r.AddPipeline(Pipeline{Label: "Rentals"})
	r.AddStage(id, Stage{ID: "open"})
	r.AddStage(id, Stage{ID: "won", Metadata: map[string]string{"probability": "1.0"}})
	r.RenameStage(id, "open", "Open")
	r.ArchiveStage(id, "won")
	p := r.Pipelines()[1]
	if p.ID != id || len(p.Stages) != 1 || p.Stages[0].Label != "Open" || p.Stages[0].Metadata["probability"] != "0.5" {
		t.Errorf("pipeline %+v", p)
	}
	r.fresh("deals")
	for name, edit := range map[string]func(){
		"stage in use":     func() { r.ArchiveStage("default", "appointmentscheduled") },
		"unknown pipeline": func() { r.AddStage("nowhere", Stage{ID: "x"}) },
		"unknown stage":    func() { r.RenameStage(id, "nowhere", "x") },
		"label twice":      func() { r.RenameStage("default", "closedwon", "Closed Lost") },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			edit()
		})
	}
	r.want(200, "GET", pipelinesPath, "") // the account still answers
}
