package birdtest

import (
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"
)

func TestPoint10SignatureVectors(t *testing.T) {
	data, err := os.ReadFile("../testdata/signature-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var in struct {
		Scheme struct {
			Vectors []struct {
				Name      string
				Key       string `json:"signing_key"`
				Timestamp string `json:"messagebird-request-timestamp"`
				URL       string
				Body      string
				Signature string            `json:"messagebird-signature"`
				Wrong     map[string]string `json:"must_not_match"`
			}
		} `json:"workspace_scheme"`
	}
	if err := json.Unmarshal(data, &in); err != nil || len(in.Scheme.Vectors) == 0 {
		t.Fatal(len(in.Scheme.Vectors), err)
	}
	for _, v := range in.Scheme.Vectors {
		seconds, err := strconv.ParseInt(v.Timestamp, 10, 64)
		if err != nil {
			t.Fatal(v.Name, err)
		}
		h := http.Header{}
		sign(h, v.Key, v.URL, time.Unix(seconds, 0), []byte(v.Body))
		got := h.Get("messagebird-signature")
		if got != v.Signature || h.Get("messagebird-request-timestamp") != v.Timestamp {
			t.Errorf("%s: signed %q at %q", v.Name, got, h.Get("messagebird-request-timestamp"))
		}
		for mistake, wrong := range v.Wrong {
			if got == wrong {
				t.Errorf("%s: makes the mistake %s", v.Name, mistake)
			}
		}
	}
}
