module github.com/idxdb/idxdb

go 1.26.0
