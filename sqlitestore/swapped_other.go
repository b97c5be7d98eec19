//go:build !linux

package sqlitestore

func identity(string) string { return "" }

func logOwner(string) (owner, bool) { return owner{}, false }

func setLogOwner(string, owner) {}
