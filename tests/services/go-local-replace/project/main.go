package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"

	"example.org/money"
)

func main() {
	http.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	http.HandleFunc("/sum", func(w http.ResponseWriter, r *http.Request) {
		var total money.Cents
		for _, text := range r.URL.Query()["cents"] {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				http.Error(w, "cents are whole numbers", http.StatusBadRequest)
				return
			}
			total += money.Cents(n)
		}
		fmt.Fprint(w, total)
	})
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	log.Fatal(http.ListenAndServe(":"+port, nil))
}
