package hubspottest

import "net/http"

// propertyNames is the body of the batch calls that name properties.
type propertyNames struct {
	Inputs []struct {
		Name string `json:"name"`
	} `json:"inputs"`
	Archived bool `json:"archived"`
}

func (a *Account) batchReadProperties(q *request) response {
	var in propertyNames
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	found, missing := []*Property{}, []string(nil)
	for _, x := range in.Inputs {
		if p, known := q.store.schema.properties[x.Name]; known && p.Archived == in.Archived {
			found = append(found, p)
		} else {
			missing = append(missing, x.Name)
		}
	}
	if len(missing) == 0 {
		return ok(a.propertyReply(found, nil))
	}
	return response{http.StatusMultiStatus, a.propertyReply(found, []batchError{{
		Status: "error", Category: "OBJECT_NOT_FOUND", Message: "Some properties do not exist.",
		Context: map[string][]string{"name": missing},
	}})}
}

// batchCreateProperties creates all or none.
func (a *Account) batchCreateProperties(q *request) response {
	var in struct {
		Inputs []Property `json:"inputs"`
	}
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	if len(in.Inputs) > maxInputs {
		return tooMany(len(in.Inputs), maxInputs).response()
	}
	for _, p := range in.Inputs {
		if bad := a.checkDefinition(q.store, p); bad != nil {
			return bad.response()
		}
	}
	made := []*Property{}
	for _, p := range in.Inputs {
		made = append(made, a.define(q.store, p))
	}
	return response{http.StatusCreated, a.propertyReply(made, nil)}
}

// batchArchiveProperties passes over names that are not there.
func (a *Account) batchArchiveProperties(q *request) response {
	var in propertyNames
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	if len(in.Inputs) > maxInputs {
		return tooMany(len(in.Inputs), maxInputs).response()
	}
	for _, x := range in.Inputs {
		if p := q.store.schema.properties[x.Name]; p != nil && p.Modification.Archivable {
			q.store.schema.archive(p)
		}
	}
	return noContent()
}

func (a *Account) propertyReply(found []*Property, failures []batchError) map[string]any {
	at := a.now().Format(timeLayout)
	reply := map[string]any{"status": "COMPLETE", "results": found, "startedAt": at, "completedAt": at}
	if len(failures) > 0 {
		reply["numErrors"], reply["errors"] = len(failures), failures
	}
	return reply
}
