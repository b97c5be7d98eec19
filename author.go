package idxdb

import (
	"os"
	"os/user"
	"path/filepath"
	"sync"
)

// CurrentAuthor returns the user, host and program of this process.
func CurrentAuthor() Author { return currentAuthor() }

var currentAuthor = sync.OnceValue(func() Author {
	a := Author{Program: filepath.Base(os.Args[0])}
	if u, err := user.Current(); err == nil {
		a.User = u.Username
	} else {
		a.User = os.Getenv("USER")
	}
	a.Host, _ = os.Hostname() // an author without a host is better than no save
	return a
})
