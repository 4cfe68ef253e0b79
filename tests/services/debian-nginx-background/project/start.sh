#!/bin/sh
set -e
sed "s/@PORT@/${PORT:-10000}/" /etc/nginx/site.conf.in > /etc/nginx/conf.d/site.conf
exec nginx
