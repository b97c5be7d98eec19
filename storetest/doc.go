// Package storetest is the contract of an [idxdb.Store] as a test suite.
//
// A store passes it in five lines:
//
//	func TestConformance(t *testing.T) {
//		storetest.Run(t, storetest.Config{
//			Open: func(t testing.TB, dir string, o idxdb.OpenOptions) (idxdb.Store, error) {
//				return Open(filepath.Join(dir, "test.idx"), o)
//			},
//		})
//	}
//
// Each subtest is named by the sentence of the contract that it tests, so that
// a failure reads as the broken promise. A store that cannot keep a sentence
// says so in Config.Skips, with the reason its documentation gives; the suite
// fails if it had to skip anything else, and also if something listed there
// works after all. So the table in a store's documentation cannot rot.
package storetest
