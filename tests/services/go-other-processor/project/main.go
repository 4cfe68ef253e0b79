package main

import (
	"encoding/json"
	"log"
	"math"
	"net/http"
	"os"
	"strconv"
)

func level(hour float64) float64 { return math.Round(100*(2+1.5*math.Cos(2*math.Pi*hour/12.42))) / 100 }

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {})
	mux.HandleFunc("GET /level/{hour}", func(w http.ResponseWriter, r *http.Request) {
		hour, err := strconv.ParseFloat(r.PathValue("hour"), 64)
		if err != nil {
			http.Error(w, "no hour", http.StatusBadRequest)
			return
		}
		json.NewEncoder(w).Encode(map[string]float64{"metres": level(hour)})
	})
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), mux))
}
