package birdtest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// media is an uploaded file.
type media struct {
	contentType string
	content     []byte
}

// mediaLife is how long the address that a media URL leads to is valid.
const mediaLife = 900 * time.Second

// redirect and download are answers without JSON.
type (
	redirect string
	download media
)

// AddMedia uploads a file, as a platform does with what a contact sends, and
// returns it for [FileBody] and [ImageBody]. Its MediaURL wants the access
// key and leads to an address that needs none for 900 seconds.
func (s *Server) AddMedia(filename, contentType string, content []byte) File {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.uuid()
	s.media[id] = &media{contentType, content}
	return File{ContentType: contentType, MediaURL: s.mediaURL(id), Filename: filename}
}

func (s *Server) mediaURL(id string) string {
	return s.URL + "/workspaces/" + s.WorkspaceID + "/media/" + id
}

func (s *Server) mediaRoutes() []route {
	return []route{
		{"GET media/*", s.getMedia},
		{"POST conversations/*/presigned-upload", s.in(s.presignUpload)},
	}
}

func (s *Server) getMedia(r request) reply {
	if s.media[r.args[0]] == nil {
		return missing("media").reply()
	}
	return reply{http.StatusFound, redirect(s.presigned(r.args[0]))}
}

// presigned returns an address of the file that needs no key.
func (s *Server) presigned(id string) string {
	return s.URL + presignedPath + id + "?expires=" + strconv.FormatInt(s.now().Add(mediaLife).Unix(), 10)
}

// presignUpload makes a place for a file: PUT it to uploadUrl, then name
// mediaUrl in a message.
func (s *Server) presignUpload(_ *Conversation, r request) reply {
	var in struct {
		ContentType string `json:"contentType"`
	}
	if bad := r.decode(&in); bad != nil {
		return bad.reply()
	}
	if in.ContentType == "" {
		return invalid("contentType is missing").reply()
	}
	id := s.uuid()
	s.media[id] = &media{contentType: in.ContentType}
	return reply{http.StatusOK, map[string]any{"mediaUrl": s.mediaURL(id), "uploadUrl": s.presigned(id), "uploadMethod": http.MethodPut}}
}

// presignedPath begins the addresses of files that need no key.
const presignedPath = "/presigned/"

// answerPresigned reads or writes a file at such an address while it is valid.
func (s *Server) answerPresigned(method string, address *url.URL, body []byte) reply {
	f := s.media[strings.TrimPrefix(address.Path, presignedPath)]
	expires, _ := strconv.ParseInt(address.Query().Get("expires"), 10, 64)
	switch {
	case f == nil || s.clock.Now().Unix() > expires:
		return forbidden.reply()
	case method == http.MethodPut:
		f.content = body
		return reply{status: http.StatusOK}
	}
	return reply{http.StatusOK, download(*f)}
}
