package birdtest

// ArchiveAttribute puts an attribute out of use, or back in use, as a person
// in Bird's settings would. It reports false when there is no such attribute.
func (s *Server) ArchiveAttribute(key string, archived bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.definition(key)
	if d == nil {
		return false
	}
	d.Archived = archived
	d.Version++
	d.UpdatedAt = s.now().Format(timeLayout)
	return true
}
