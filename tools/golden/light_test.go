package main

import "testing"

// CometBFT's light client says of every committed pair and every mutated block what the recordings say that it did.
func TestEveryCommittedVerdictIsThatOfCometBFT(t *testing.T) {
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

	var negative negativeFile
	if err := committed.decode("four/negative.json", &negative); err != nil {
		t.Fatal(err)
	}
	if len(judged.Pairs) != 404 || len(negative.Cases) != 89 {
		t.Errorf("%d pairs and %d cases, the recordings have 404 and 89", len(judged.Pairs), len(negative.Cases))
	}
	for _, one := range negative.Cases {
		if got, err := one.judge(negative, blocks); err != nil || got != one.CometBFT {
			t.Errorf("%s: %v %v, recorded %v", one.Name, got, err, one.CometBFT)
		}
	}
}
