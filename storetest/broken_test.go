package storetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/storetest/internal/memstore"
)

// broken are stores with one defect each, and the sentences that must fail.
var brokenStores = []struct {
	name   string
	faults memstore.Faults
	wrap   func(s *memstore.Store) idxdb.Store
	fails  string // sentences, separated by spaces
}{
	{name: "tidies JSON up", wrap: wrap[compacts], fails: "Bytes/ComeBackExactly JSON/OddTextIsStoredExactly"},
	{name: "ends early", wrap: wrap[endsEarly], fails: "Bytes/ComeBackExactly Bytes/OfEverySizeComeBack"},
	{name: "keeps the former search", faults: memstore.Faults{KeepSearch: true}, fails: "Bytes/SaveWithoutSearchRemovesIt Random/OperationsGiveWhatAMapGives"},
	{name: "reads state to load search", wrap: wrap[readsBoth], fails: "Bytes/LoadingSearchCostsNothingForState"},
	{name: "holds documents in memory", fails: "Bytes/StreamInBoundedMemory"},
	{name: "always has a search document", wrap: wrap[emptySearch], fails: "Bytes/SearchIsOptional Bytes/SaveWithoutSearchRemovesIt"},
	{name: "reads on after the end", wrap: wrap[noEnd], fails: "Bytes/BodyIsAnOrdinaryReader"},
	{name: "stores one key", wrap: wrap[oneKey], fails: "Keys/AreTheBytesThatWereSaved Keys/AreListedInByteOrder Versions/CountUpFromOnePerKey"},
	{name: "trims keys", wrap: wrap[trimsKeys], fails: "Keys/AreTheBytesThatWereSaved"},
	{name: "folds case", wrap: wrap[foldsCase], fails: "Keys/AreTheBytesThatWereSaved"},
	{name: "maps keys to file names", wrap: wrap[mapsKeys], fails: "Keys/AreTheBytesThatWereSaved"},
	{name: "is not sorted", faults: memstore.Faults{Unordered: true}, fails: "Keys/AreListedInByteOrder Random/OperationsGiveWhatAMapGives"},
	{name: "takes the prefix for a pattern", wrap: wrap[globs], fails: "Keys/AreListedByPrefix"},
	{name: "takes any key", wrap: wrap[anyKey], fails: "Keys/ThatAreInvalidAreRefused"},
	{name: "locks while listing", wrap: wrap[locksList], fails: "Keys/CanBeLoadedAndSavedWhileListing"},
	{name: "saves by halves", faults: memstore.Faults{TornSave: true}, fails: "Atomic/FailedSaveLeavesTheFormerVersion Atomic/FailedFirstSaveLeavesNoKey JSON/OtherTextIsRefusedWithItsPosition"},
	{name: "saves in two steps", wrap: wrap[twoSteps], fails: "Atomic/BothDocumentsAreOfOneVersion"},
	{name: "closes what it reads", wrap: wrap[closes], fails: "Atomic/SaveReadsButDoesNotClose"},
	{name: "reads the newest version on", wrap: wrap[readsOn], fails: "Snapshots/AreNotChangedBySave Snapshots/AreNotChangedByDelete Snapshots/AreNotChangedByDeleteAndSave Snapshots/AreNotChangedByVacuum Snapshots/AreNotChangedByRename"},
	{name: "gives numbers out again", faults: memstore.Faults{ForgetNumbers: true}, fails: "Versions/AreNotReusedAfterDelete Random/OperationsGiveWhatAMapGives"},
	{name: "saves equal bytes again", faults: memstore.Faults{NoUnchanged: true}, fails: "Versions/EqualBytesAreUnchanged Random/OperationsGiveWhatAMapGives"},
	{name: "compares states only", wrap: wrap[comparesStates], fails: "Versions/ChangeInOneDocumentIsNew Random/OperationsGiveWhatAMapGives"},
	{name: "makes ids up", wrap: wrap[ownIDs], fails: "Versions/HaveIDsOfTheirOwn"},
	{name: "ignores IfMatch", wrap: wrap[ignoresIfMatch], fails: "Conditions/HoldOrTheSaveFails Conditions/OnAKeyThatIsNotThere Random/OperationsGiveWhatAMapGives"},
	{name: "ignores a delete's condition", wrap: wrap[deletesAnyway], fails: "Conditions/HoldOrTheDeleteFails"},
	{name: "finds unchanged first", faults: memstore.Faults{LateCondition: true}, fails: "Conditions/AreCheckedBeforeUnchanged"},
	{name: "does not say who is there", wrap: wrap[bareConflict], fails: "Conditions/ConflictSaysWhoIsThere"},
	{name: "does not know a retry", faults: memstore.Faults{NoRetry: true}, fails: "Retry/RecognisesItsOwnSuccess Retry/FindsItsVersionUnderLaterOnes Retry/WithOtherBytesIsRefused"},
	{name: "takes any retry", faults: memstore.Faults{BlindRetry: true}, fails: "Retry/WithOtherBytesIsRefused"},
	{name: "uses ids up", wrap: wrap[usesIDsUp], fails: "Retry/AfterAFailureSaves"},
	{name: "does not say where", wrap: wrap[noPosition], fails: "JSON/OtherTextIsRefusedWithItsPosition"},
	{name: "repairs JSON", wrap: wrap[repairs], fails: "JSON/OtherTextIsRefusedWithItsPosition"},
	{name: "has errors of its own", wrap: wrap[ownErrors], fails: "Errors/NotFoundIsErrNotExist"},
	{name: "can be used when closed", wrap: wrap[neverCloses], fails: "Errors/ClosedStoreRefusesEverything Errors/CloseEndsOpenDocuments"},
	{name: "ignores the context", wrap: wrap[noContext], fails: "Context/CancelledEndsEveryMethod Context/PastDeadlineEndsEveryMethod Context/CancelledSaveStoresNothing"},
	{name: "locks while it reads", wrap: wrap[locksSave], fails: "Waiting/SlowSaveDoesNotHoldUpReaders"},
	{name: "loses messages", wrap: wrap[noMessage], fails: "Fields/MessageIsKept"},
	{name: "is the author of everything", wrap: wrap[oneAuthor], fails: "Fields/AuthorIsThisProcessOrGiven"},
	{name: "has no clock", wrap: wrap[noClock], fails: "Fields/TimeIsThatOfTheSave"},
	{name: "reads no source", wrap: wrap[noSource], fails: "Fields/SourceIsReadFromTheState"},
	{name: "has one digest", wrap: wrap[oneDigest], fails: "Fields/DigestsAndSizesTellDocumentsApart"},
	{name: "has the newest version only", wrap: wrap[newestOnly], fails: "Versions/ThatAreNotThereAreNotFound History/KeepsEveryVersion History/OldVersionsLackWhatTheyLacked Random/OperationsGiveWhatAMapGives"},
	{name: "logs oldest first", wrap: wrap[oldestFirst], fails: "History/LogIsNewestFirst"},
	{name: "logs what was deleted", wrap: wrap[emptyLog], fails: "History/EndsWithDelete"},
	{name: "renames by saving again", wrap: wrap[renamesByCopy], fails: "Rename/MovesAllVersions"},
	{name: "renames over another key", wrap: wrap[renamesOver], fails: "Rename/FailsWithoutChange Random/OperationsGiveWhatAMapGives"},
	{name: "renumbers from one", faults: memstore.Faults{RenumberOne: true}, fails: "Rename/NumbersGoOn"},
	{name: "clones the newest only", wrap: wrap[clonesOne], fails: "Clone/CopiesAllVersionsOrTheNewest"},
	{name: "clones over another key", wrap: wrap[clonesOver], fails: "Clone/FailsWithoutChange"},
	{name: "clones by moving", wrap: wrap[clonesByMove], fails: "Clone/IsIndependent"},
	{name: "imports as a save", wrap: wrap[importsAsSave], fails: "Import/KeepsWhatTheVersionIs Import/NumbersByTheRule Import/FillsInOlderVersions Copy/BringsTheNewestVersions Copy/BringsAllVersions Copy/MakesTheNewestTheNewest Copy/UnderAnotherName"},
	{name: "imports twice", wrap: wrap[importsTwice], fails: "Import/RecognisesWhatIsThere"},
	{name: "imports anyway", wrap: wrap[importsAnyway], fails: "Import/ChecksConditionAndJSON"},
	{name: "imports anything", faults: memstore.Faults{NoLimits: true}, fails: "Import/RefusesWhatNoStoreMakes Versions/EndRatherThanWrap"},
	{name: "takes 1970 for no time", wrap: wrap[noEpoch], fails: "Import/KeepsEveryTime"},
	{name: "remembers what is gone", faults: memstore.Faults{LongMemory: true}, fails: "Retry/AfterDeleteSavesAnew Retry/AfterRenameSavesAnew Copy/AfterDeleteBringsItBack Copy/AfterRenameBringsItBack Random/OperationsGiveWhatAMapGives"},
	{name: "saves half a batch", faults: memstore.Faults{TornBatch: true}, fails: "Batch/SavesNoneIfOneFails Random/OperationsGiveWhatAMapGives"},
	{name: "loses a batch's options", wrap: wrap[plainBatch], fails: "Batch/SavesAll"},
	{name: "opens a batch backwards", wrap: wrap[backwards], fails: "Batch/OpensOnceInOrder"},
	{name: "sees damage everywhere", wrap: wrap[alarmist], fails: "Verify/OfASoundStoreFindsNothing Bytes/ComeBackExactly"},
	{name: "vacuums too much", wrap: wrap[vacuumsAll], fails: "Vacuum/ChangesNothingThatCanBeSeen Random/OperationsGiveWhatAMapGives"},
	{name: "counts wrong", wrap: wrap[miscounts], fails: "Inspect/CountsWhatIsThere"},
	{name: "imports over what diverged", wrap: wrap[hidesID], fails: "Copy/RefusesWhatDiverged"},
	{name: "checks, then saves", wrap: wrap[checksFirst], fails: "Concurrent/OneOfManyConditionalSavesWins Concurrent/AddingUpLosesNothing"},
	{name: "says it saved", wrap: wrap[losesSome], fails: "Concurrent/EverySaveIsOneVersion Concurrent/SavesAndDeletesBesideVacuum"},
}

// brokenConfig is that of a store with defects, small and repeatable.
func brokenConfig(faults memstore.Faults, wrap func(*memstore.Store) idxdb.Store) Config {
	return Config{
		LargeSize: 4e6,
		Seed:      1,
		Open: func(_ testing.TB, dir string, opts idxdb.OpenOptions) (idxdb.Store, error) {
			s, err := memstore.Open(dir, opts, faults)
			if err != nil || wrap == nil {
				return s, err
			}
			return wrap(s), nil
		},
	}
}

func choose(t *testing.T, names ...string) []sentence {
	var out []sentence
	for _, s := range sentences() {
		if slices.Contains(names, s.name) {
			out = append(out, s)
		}
	}
	if len(out) != len(names) {
		t.Fatalf("not every one of %q is a sentence", names)
	}
	return out
}

func TestDefectsAreFound(t *testing.T) {
	for _, b := range brokenStores {
		t.Run(strings.ReplaceAll(b.name, " ", "_"), func(t *testing.T) {
			want := strings.Fields(b.fails)
			r := record(t, "suite", func(t2 testing.TB) {
				run(t2, brokenConfig(b.faults, b.wrap), choose(t, want...))
			})
			for _, name := range want {
				if !slices.Contains(r.failures(), name) {
					t.Errorf("a store that %s keeps %s, says the suite", b.name, name)
				}
			}
			if testing.Verbose() {
				t.Logf("the suite says: %s", r.text())
			}
		})
	}
}

// TestEverySentenceCanFail keeps the table above complete.
func TestEverySentenceCanFail(t *testing.T) {
	covered := map[string]bool{
		// Their tests are in hooks_test.go and skips_test.go.
		"Damage/IsAnErrorOrMakesNoDifference": true, "Waiting/EndsWithTheContext": true,
		"Errors/OpeningWhatIsNotThere": true, "Errors/ReadOnlyRefusesEveryWrite": true,
		"Atomic/EverythingIsThereAfterReopen": true,
	}
	for _, b := range brokenStores {
		for _, name := range strings.Fields(b.fails) {
			covered[name] = true
		}
	}
	for _, s := range sentences() {
		if !covered[s.name] {
			t.Errorf("no defect makes %s fail", s.name)
		}
	}
}
