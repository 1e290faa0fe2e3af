#fields	indicator	indicator_type	meta.source	meta.desc
198.51.100.7	Intel::ADDR	SARK	3relays/entries
www.front.example	Intel::DOMAIN	SARK	front/ranges
api.models.example	Intel::DOMAIN	SARK	models/api
192.0.2.0/26	Intel::SUBNET	SARK	models/api
192.0.2.70	Intel::ADDR	SARK	models/api
192.0.2.200	Intel::ADDR	SARK	models/api
2001:db8:1::/48	Intel::SUBNET	SARK	models/api
