package main

import (
	"io"
	"log/slog"
)

// quiet is the least level at which commands log, beside what they print.
const quiet = slog.LevelError

// logger returns the log of the configuration, down to a level at the least.
func (c *config) logger(w io.Writer, least slog.Level) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Log.Level)); err != nil || level < least {
		level = least
	}
	opts := &slog.HandlerOptions{Level: level}
	if c.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
