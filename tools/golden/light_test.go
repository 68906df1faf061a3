package main

import "testing"

// CometBFT's light client says of every committed pair what the recordings say that it did.
func TestEveryCommittedPairIsJudgedAgain(t *testing.T) {
	blocks := lightBlocks{committed, map[int64]parsed{}}
	var pairs lightFile
	if err := committed.decode(lightName, &pairs); err != nil {
		t.Fatal(err)
	}
	judged, err := pairs.judged(blocks)
	if err != nil {
		t.Fatal(err)
	}
	sameDocument(t, lightName, judged.members())

	if len(judged.Pairs) != 404 {
		t.Errorf("%d pairs, the recordings have 404", len(judged.Pairs))
	}
}

// Every mutated block comes out as in the recordings, in JSON and protobuf, and so does CometBFT's verdict. The keys of strangers
// are others: they were not kept.
func TestEveryCommittedMutationIsMadeAgain(t *testing.T) {
	var pairs lightFile
	var negative negativeFile
	keys, err := committed.fourKeys()
	if err != nil {
		t.Fatal(err)
	}
	if err := committed.decode(lightName, &pairs); err != nil {
		t.Fatal(err)
	}
	if err := committed.decode(negativeName, &negative); err != nil {
		t.Fatal(err)
	}
	again, err := negative.madeAgain(lightBlocks{committed, map[int64]parsed{}}, keys, pairs.Now)
	if err != nil {
		t.Fatal(err)
	}
	if len(again.Cases) != 89 || len(mutations) < 89 {
		t.Errorf("%d cases, %d mutations; the recordings have 89", len(again.Cases), len(mutations))
	}
	strangers := 0
	for i, was := range negative.Cases {
		is := again.Cases[i]
		switch was.Name {
		case "strangers, adjacent", "strangers, skipping", "stranger with one known validator, skipping",
			"validator replaced", "validator address wrong":
			strangers++
			if is.CometBFT.Verdict != was.CometBFT.Verdict {
				t.Errorf("%s: %v, recorded %v", was.Name, is.CometBFT, was.CometBFT)
			}
			continue
		}
		old, err := spaced(was)
		if err != nil {
			t.Fatal(err)
		}
		new, err := spaced(is)
		if err != nil {
			t.Fatal(err)
		}
		if string(old) != string(new) {
			t.Errorf("%s: %s", was.Name, firstDifference(string(old), string(new)))
		}
	}
	if strangers != 5 {
		t.Errorf("%d cases with strangers, the recordings have 5", strangers)
	}
}
