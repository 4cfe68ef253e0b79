package main

import (
	"fmt"
	"log"
	"net/http"
	"os"

	"example.org/tally/internal/words"
)

func main() {
	http.HandleFunc("GET /up", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "up") })
	http.HandleFunc("GET /count", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, words.Count(r.URL.Query().Get("text")))
	})
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
