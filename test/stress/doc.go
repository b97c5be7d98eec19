// Package stress lets many real processes work on one store, kills them at
// random moments, and checks afterwards that everything anybody was told fits
// into one order of events (that the history is linearizable).
//
// The short form is an ordinary test:
//
//	go test ./test/stress
//
// The long form, of at least an hour before a release:
//
//	IDXDB_STRESS_TIME=1h go test ./test/stress -run TestProcesses -timeout 3h -v
//
// IDXDB_STRESS_SEED repeats the choices of a run (not the scheduling),
// IDXDB_STRESS_PROCESSES says how many processes take part (16),
// IDXDB_STRESS_DIR where the store and the histories lie; they are kept there.
//
// What is checked after every round of a few seconds, which ends with all
// processes killed or with all of them asked to stop:
//
//   - the history of each group of keys is linearizable. An operation whose
//     process was killed may or may not have happened, but only once and whole;
//   - no operation failed with an error other than the ones its arguments ask
//     for: not found, conflict, the end of its own context;
//   - the file verifies; nothing but the lock file lies beside it once it is
//     closed; its WAL never had more than 64 MB.
package stress
