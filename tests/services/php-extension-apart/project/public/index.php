<?php
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/healthz') {
    // The shop's name has to come out right, whatever else happens.
    echo mb_strtoupper('blumenstraße öl');
} elseif ($path === '/label') {
    $name = $_GET['name'] ?? '';
    echo mb_substr($name, 0, 12) . (mb_strlen($name) > 12 ? '…' : '');
} else {
    http_response_code(404);
}
