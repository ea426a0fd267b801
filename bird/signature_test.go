package bird

import (
	"encoding/json"
	"os"
	"testing"
)

type vector struct {
	Name         string            `json:"name"`
	Key          string            `json:"signing_key"`
	Timestamp    string            `json:"messagebird-request-timestamp"`
	URL          string            `json:"url"`
	Body         string            `json:"body"`
	Signature    string            `json:"messagebird-signature"`
	MustNotMatch map[string]string `json:"must_not_match"`
}

func vectors(t testing.TB) []vector {
	data, err := os.ReadFile("testdata/signature-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Scheme struct {
			Vectors []vector `json:"vectors"`
		} `json:"workspace_scheme"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Scheme.Vectors) != 5 {
		t.Fatalf("%d vectors, want 5", len(file.Scheme.Vectors))
	}
	return file.Scheme.Vectors
}

func TestSignatureVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			valid := func(signature string, keys ...string) bool {
				return signed(keys, v.Timestamp, v.URL, []byte(v.Body), signature)
			}
			if !valid(v.Signature, v.Key) || !valid(v.Signature, "new key", v.Key) || !valid(v.Signature, v.Key, "old key") {
				t.Error("the right signature is refused")
			}
			if valid(v.Signature, "other key") || valid(v.Signature) || valid("", v.Key) || valid("not base64!", v.Key) {
				t.Error("a wrong key or header is accepted")
			}
			for name, wrong := range v.MustNotMatch {
				if valid(wrong, v.Key) {
					t.Errorf("%s is accepted", name)
				}
			}
		})
	}
}
